/** Of what a switch or its driver says, so much is told. */
const MOST_CHARACTERS = 300;
/** A shorter one stands in too many words; no device takes such a password. */
const SHORTEST_SECRET = 3;

/** How the system says why nobody answers (errno, and what Node calls its own). */
const SYSTEM: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'there is no way to that address',
  ENETUNREACH: 'there is no way to that network',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name could not be looked up',
  EPIPE: 'the connection was closed',
  ETIMEDOUT: 'nothing came back',
};

/**
 * What a driver says of its switch, as any client may read it: on one line, bounded, without a secret, a path or an error of the system. The text as it was
 * is for the log, where `hideSecrets` is enough.
 */
export function plainWords(text: string, secrets: readonly string[]): string {
  const told = hideSecrets(text, secrets)
    .replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, 'its address')
    .replaceAll(/(?<![\w.~-])\/[\w.-]\S*/g, '…')
    .replaceAll(/\bE[A-Z_]{4,}\b/g, (code) => SYSTEM[code] ?? 'a fault of the system')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return told.length > MOST_CHARACTERS ? `${told.slice(0, MOST_CHARACTERS)}…` : told;
}

/** The text without any of the secrets, plain, in base64, as part of an address or within a text of JSON. */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  const forms = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => {
      const base64 = Buffer.from(secret).toString('base64');
      const encoded = encodeURIComponent(secret.toWellFormed());
      return [secret, encoded, base64, base64.replace(/=+$/, ''), JSON.stringify(secret).slice(1, -1)];
    })
    // The longest first: one may be the beginning of another.
    .sort((a, b) => b.length - a.length);
  return forms.reduce((so, form) => so.replaceAll(form, '***'), text);
}
