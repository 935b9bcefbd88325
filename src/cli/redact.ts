const HIDDEN = '[hidden]';

/** Anything shorter would blank out ordinary words, and tell more than it hides. */
const SHORTEST = 4;

/** A bearer header, or a JSON Web Token wherever it stands: tokens obtained during a run are not known by value. */
const LOOKS_SECRET = /\bBearer\s+[\w.~+/-]+=*|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/gi;

/** The last line of defence: no message holds a secret, and if one ever does it is not printed. */
export interface Redactor {
  /** From now on `secret` is blanked out, as it is and as it looks inside a URL or a form. */
  readonly hide: (secret: string) => void;
  readonly clean: (text: string) => string;
}

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  return {
    hide(secret) {
      const forms = [
        secret,
        encodeURIComponent(secret),
        new URLSearchParams([['', secret]]).toString().slice(1),
        JSON.stringify(secret).slice(1, -1),
      ];
      for (const form of forms) if (form.length >= SHORTEST) secrets.add(form);
    },
    clean(text) {
      const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
      const known = longestFirst.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
      return known.replace(LOOKS_SECRET, HIDDEN);
    },
  };
}
