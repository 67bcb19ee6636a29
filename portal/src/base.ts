/*
 * Where the portal is. A chunk is `<base>/portal/assets/<name>.js`, so its own address tells, under any path prefix;
 * the development server serves the sources at the root.
 */
const here = import.meta.url;

/** The address of the portal, without a slash at its end: `https://api.example.com/v1/portal`. */
export const PORTAL = import.meta.env.DEV ? `${location.origin}/portal` : here.slice(0, here.lastIndexOf('/assets/'));

/** The base URL of the API. */
export const API = PORTAL.slice(0, PORTAL.lastIndexOf('/'));

/** The path of the portal, which page paths are relative to. */
export const ROOT = new URL(PORTAL).pathname;
