import{u as m,f as g,d as u,R as k,b as e,t as r,U as w,B as v,C as S,z as N,N as B}from"./index-DGvKHV-Q.js";function E({value:s,onChange:i,wrong:a}){const{client:f}=m(),y=g("event types",t=>f.events.listTypes({limit:100},{signal:t}).all()),[n,h]=u(""),c=k(),d=s.length===1&&s[0]==="*",p=(y.data??[]).filter(({name:t})=>!s.includes(t)).slice(0,12),l=t=>{t&&!s.includes(t)&&i([...s.filter(o=>o!=="*"),t]),h("")};return e("fieldset",{class:"field","aria-describedby":a&&`${c}w`,children:[e("legend",{children:r("events.which")}),e("label",{class:"check",children:[e("input",{type:"radio",name:c,checked:d,onChange:()=>i(["*"])}),r("events.every")]}),e("label",{class:"check",children:[e("input",{type:"radio",name:c,checked:!d,onChange:()=>i([])}),r("events.some")]}),!d&&e("div",{class:"stack tight",children:[e("div",{class:"chips",children:s.map(t=>e("span",{class:"chip",children:[t,e("button",{type:"button","aria-label":r("removeThis",{name:t}),onClick:()=>i(s.filter(o=>o!==t)),children:e(w,{name:"close"})})]},t))}),e("div",{class:"row",style:{flexWrap:"nowrap"},children:[e("input",{id:c,value:n,"aria-label":r("events.name"),placeholder:"order.created, order.*",spellcheck:!1,onInput:t=>h(t.currentTarget.value.trim()),onKeyDown:t=>{t.key!=="Enter"||!n||(t.preventDefault(),l(n))}}),e(v,{onClick:()=>l(n),disabled:!n,children:r("add")})]}),p.length>0&&e("div",{class:"chips","aria-label":r("events.suggested"),role:"group",children:p.map(({name:t,description:o})=>e("button",{type:"button",class:"quiet small mono",title:o,onClick:()=>l(t),children:["+ ",t]},t))}),e("span",{class:"hint",children:r("events.hint")})]}),a&&e("span",{class:"wrong",id:`${c}w`,role:"alert",children:a})]})}const b={"Node.js":`import { createHmac, timingSafeEqual } from 'node:crypto';

// body: the raw bytes of the request, before any JSON parser
export function verify(secret, headers, body) {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures } = headers;
  if (Math.abs(Date.now() / 1000 - Number(time)) > 300) return false;
  const wanted = Buffer.from('v1,' + createHmac('sha256', key).update(\`\${id}.\${time}.\`).update(body).digest('base64'));
  return signatures.split(' ').map((one) => Buffer.from(one))
    .some((one) => one.length === wanted.length && timingSafeEqual(one, wanted));
}`,Python:`import base64, hashlib, hmac, time

# body: the raw bytes of the request, before any JSON parser
def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    id_, at = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(at)) > 300:
        return False
    digest = hmac.new(key, f"{id_}.{at}.".encode() + body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(wanted, one) for one in headers["webhook-signature"].split(" "))`};function q(){const[s,i]=u("Node.js");return e("div",{class:"stack tight",children:[e("div",{class:"row",role:"group","aria-label":r("verify.language"),children:Object.keys(b).map(a=>e("button",{type:"button","aria-pressed":a===s,onClick:()=>i(a),children:a},a))}),e(S,{label:r("verify.code"),text:b[s]??""})]})}function x({secret:s}){return e(B,{tone:"warn",title:r("secret.once"),children:[e("div",{class:"row",children:[e("code",{class:"break",children:s}),e(N,{text:s})]}),e("span",{class:"small",children:r("secret.keep")})]})}export{E,x as S,q as a};
