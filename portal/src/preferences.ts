/** What a reader chose on this device. No secret is ever kept here. */
type Preference = 'theme' | 'language';

// A frame on another site may be denied any storage.
export function preferred(name: Preference): string | null {
  try {
    return localStorage.getItem(`jobsprint.portal.${name}`);
  } catch {
    return null;
  }
}

export function prefer(name: Preference, value: string): void {
  try {
    localStorage.setItem(`jobsprint.portal.${name}`, value);
  } catch {
    // It holds until the next reload.
  }
}

/** Show the page in a theme: `light`, `dark`, or `auto`, which is the system's. */
export function wear(theme: string): void {
  document.documentElement.dataset['theme'] = theme;
}
