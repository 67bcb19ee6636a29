import './theme.css';
import { render } from 'preact';
import { closest, speak } from './i18n';
import { preferred, wear } from './preferences';
import { begin, type Ended } from './session';
import { SessionEnded, Shell } from './shell';

const root = document.getElementById('app') as HTMLElement;

function end(ended: Ended): void {
  render(<SessionEnded {...ended} />, root);
}

async function start(): Promise<void> {
  wear(preferred('theme') ?? 'auto');
  const session = await begin(end);
  const wishes = 'client' in session ? [preferred('language'), session.locale] : [preferred('language')];
  await speak(closest([...wishes, ...navigator.languages]));
  if (!('client' in session)) {
    end(session);
    return;
  }
  wear(preferred('theme') ?? session.theme ?? 'auto');
  render(<Shell session={session} />, root);
}

// A new link in the same tab changes the fragment alone.
addEventListener('hashchange', () => location.hash.startsWith('#code=') && location.reload());

void start();
