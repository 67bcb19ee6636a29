import type { JSX } from 'preact';

// Outlines of 24 units, drawn for this page.
const PATHS = {
  webhooks: 'M4 12h4l3-7 3 14 3-7h3',
  events: 'M4 6h16M4 12h16M4 18h10',
  integrations: 'M9 4v5M15 4v5M6 9h12v3a6 6 0 0 1-12 0zM12 18v3',
  agents: 'M5 9h14v10H5zM12 9V5M9 13v2M15 13v2M8 5h8',
  audit: 'M6 3h9l4 4v14H6zM9 11h7M9 15h7',
  approvals: 'M5 12l5 5L20 7',
  lock: 'M6 11h12v9H6zM9 11V7a3 3 0 0 1 6 0v4',
  search: 'M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12M16 16l4 4',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 12l5 5L20 7',
  plus: 'M12 5v14M5 12h14',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4l3 2',
  send: 'M4 12l16-7-5 15-3-6z',
  back: 'M10 6l-6 6 6 6M4 12h16',
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
