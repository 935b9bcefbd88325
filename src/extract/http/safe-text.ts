/** Replaces secrets in a text that a server wrote. */
export type Redact = (text: string) => string;

/** @param secrets in force at the time of the call; they are also found URL-encoded, form-encoded and escaped */
export function redactor(secrets: () => readonly string[]): Redact {
  return (text) => {
    const found = secrets().filter((secret) => secret !== '');
    return found.flatMap(spellings).reduce((rest, form) => rest.replaceAll(form, '***'), text);
  };
}

function spellings(secret: string): string[] {
  const wellFormed = secret.toWellFormed();
  const inForm = new URLSearchParams({ s: wellFormed }).toString().slice('s='.length);
  return [secret, encodeURIComponent(wellFormed), inForm, JSON.stringify(secret).slice(1, -1)];
}

/** A server's words for a message: on one line, without control characters, `max` characters at most. */
export function quote(text: string, max: number): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\s]+/gu, ' ').trim();
  return plain.length > max ? `${plain.slice(0, max - 1)}…` : plain;
}
