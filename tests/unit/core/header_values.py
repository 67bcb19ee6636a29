"""A corpus of 200 header values: 100 that are secrets to look for in upstream text, and 100 that are plain."""

SECRETS: tuple[tuple[str, str], ...] = tuple(
    (line.split(": ", 1)[0].strip(), line.split(": ", 1)[1])
    for line in """
        Authorization: Bearer your-token
        Authorization: Bearer data
        Authorization: Basic dXNlcjpwYXNzd29yZA==
        Authorization: Token abc123
        Authorization: Splunk 12345678-1234-1234-1234-123456789012
        authorization: production
        Proxy-Auth: letmein
        X-Auth: s3cr
        X-Auth-User: 1234
        X-Authorization: user
        X-Api-Key: production
        X-API-KEY: test
        Api-Key: 20241130
        apikey: abcdef
        X-Functions-Key: zzzz
        X-Goog-Api-Key: AIzaSyA1234567890abcdefghijklmnopqrstu
        Ocp-Apim-Subscription-Key: 0123456789abcdef0123456789abcdef
        X-Access-Token: true
        X-Shopify-Access-Token: shpat_0123456789abcdef
        X-Gitlab-Token: glpat-AbCdEf123456
        PRIVATE-TOKEN: glpat-zyx
        X-Vault-Token: hvs.CAESIJ
        X-CSRF-Token: 2024
        X-Hub-Token: staging
        X-Secret: default
        X-Client-Secret: none
        Webhook_Secret: main
        Cookie: session=abc; theme=dark
        Cookie: a=1
        X-Session-Id: 12345
        X-Jwt: aaaa.bbbb.cccc
        X-Password: hunter2
        X-Passwd: qwerty
        X-Passphrase: correct horse battery staple
        X-Credential: guest
        X-Signature: deadbeef
        X-Sig: cafe
        X-Hmac: 0000
        X-Pin: 1234
        X-OTP: 123456
        X-Custom: 4f9c1d7be02a8c6d
        X-Custom: 9b2e4c1a7d8f
        X-Custom: q7Zp2LxV9tRw
        X-Custom: kF8s-Qm2Z-x9Lw-7Tbn
        X-Custom: MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
        X-Custom: 3fa85f64-5717-4562-b3fc-2c963f66afa6
        X-Custom: sk_live_4eC39HqLyjWDarjtT1zdp7dc
        X-Custom: xyzzy-plugh-42
        X-Custom: a1b2c3d4e5f6
        X-Custom: zQ9!vT4#pL2@
        X-Custom: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl
        X-Custom: 1234-5678-9012-3456
        X-Custom: 4111111111111111
        X-Custom: 987654321
        X-Custom: 0123456789
        X-Custom: AKIAIOSFODNN7EXAMPLE
        X-Custom: dGhpcyBpcyBhIHNlY3JldA==
        X-Custom: correct-horse-battery-staple
        X-Custom: open sesame
        X-Custom: swordfish
        X-Custom: letmein
        X-Custom: hunter2
        X-Custom: qwerty
        X-Custom: trustno1
        X-Custom: P@ssw0rd
        X-Custom: monkey77
        X-Custom: dragon
        X-Custom: s3cret
        X-Custom: abc123
        X-Custom: a.b.c.d.e.f.g
        X-Custom: tenant_8812_zulu
        X-Tenant: acme-corp
        X-Tenant: globex
        X-Account: ACC-00917-QX
        X-Client: jobs-client-7f3a
        X-Client-Id: 1f9a3c5b
        X-Partner: northwind
        X-Store: store-hash-9x8y7z
        X-Org: org_2aBcD3eF
        X-User: miller@example.com
        X-Login: jmiller
        X-Shared: sharedbetweenus
        X-Magic: abracadabra
        X-Trace: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
        X-Device: f47ac10b58cc
        X-License: 7XKQ-99PL-02MN
        X-Ref: ref#88213#kk
        X-Hash: 5f4dcc3b5aa765d61d8327deb882cf99
        X-Id: 65f1c0ffee
        X-Code: ZX81-SPECTRUM
        X-Code: 12ab34cd
        X-Nonce: n-0S6_WzA2Mj
        X-Seed: 42424242424242
        X-Salt: NaClNaClKCl
        X-Custom: {"tenant":"zeta"}
        X-Custom: urn:zeta:9
        X-Custom: own value
        X-Custom: wert_mit_ä
        X-Custom: planted/Header+Value=1
        X-Custom: aaaaaaaaaaaa
    """.strip().splitlines()
)

PLAIN: tuple[tuple[str, str], ...] = tuple(
    (line.split(": ", 1)[0].strip(), line.split(": ", 1)[1])
    for line in """
        X-Version: 2024
        X-Env: data
        X-Env: production
        X-Env: Production
        X-Env: PRODUCTION
        X-Env: staging
        X-Env: development
        X-Env: test
        X-Env: sandbox
        X-Env: preview
        X-Env: production-eu
        X-Env: staging_us_2
        X-Stage: release
        X-Stage: canary
        X-Debug: true
        X-Debug: false
        X-Debug: enabled
        X-Debug: disabled
        X-Debug: 0
        X-Flag: default
        X-Flag: unknown
        X-Flag: optional
        X-Flag: automatic
        X-Flag: a
        X-Flag: abcde
        X-Flag: t1
        X-Count: 1
        X-Count: 12345678
        X-Count: 123456
        X-Version: v1
        X-Version: v2024
        X-Version: 1.2.3
        X-Version: 10.15.7
        X-Version: v1.2.3-beta.4
        X-Version: 2024-11-30
        X-Version: 20241130
        X-Version: 2024-11
        X-Version: 2026-11-30T12:00:00Z
        X-Version: 2026-11-30T12:00:00.123+01:00
        X-Version: 2026-11-30 12:00
        Anthropic-Version: 2023-06-01
        Notion-Version: 2022-06-28
        Stripe-Version: 2024-06-20
        X-GitHub-Api-Version: 2022-11-28
        X-Date: 30 Nov 2026
        X-Date: Mon, 30 Nov 2026
        X-Time: 12:00:00
        X-Timeout: 30s
        X-Timeout: 5000ms
        X-Limit: 100mb
        X-Quarter: Q4 2026
        Accept: application/json
        Accept: text/html
        Accept: text/plain; charset=utf-8
        Accept: application/json, text/plain, */*
        Accept: application/problem+json
        Accept: image/webp
        Accept-Encoding: gzip
        Accept-Encoding: identity
        Accept-Encoding: gzip, deflate, br
        Accept-Encoding: gzip;q=1.0, identity;q=0.5
        Accept-Language: en-US
        Accept-Language: de-DE,de;q=0.9,en;q=0.8
        Accept-Charset: utf-8
        Accept-Charset: iso-8859-1
        Cache-Control: no-cache
        Cache-Control: max-age=3600
        Prefer: return=minimal
        Prefer: respond-async
        X-Requested-By: jobsprint
        X-Source: webhook
        X-Source: integration
        X-Source: zapier
        X-Source: jobsprint-integrations
        X-Origin: internal
        X-Region: eu-west-1
        X-Region: us-east-1
        X-Region: ap-southeast-2
        X-Region: eu-central-1
        X-Region: europe
        X-Region: frankfurt
        X-Locale: en_GB
        X-Currency: EUR
        X-Timezone: Europe/Berlin
        X-Timezone: UTC+1
        X-Plan: premium
        X-Plan: enterprise
        X-Tier: standard
        X-Priority: normal
        X-Priority: critical
        X-Level: warning
        X-Level: verbose
        X-Topic: orders
        X-Topic: customer.orders
        X-Topic: invoices
        X-Topic: notifications
        X-Team: marketing
        X-Day: wednesday
        X-Author: support
        X-Name: test user
    """.strip().splitlines()
)
