export function Recover() { return null; }
