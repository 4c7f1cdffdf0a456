import { PowerFault } from '../driver.ts';

/** Where the text of a template goes. */
export type Place = 'url' | 'json' | 'form' | 'text' | 'header' | 'pointer';

/** What the words in braces stand for. */
export type Words = Readonly<Record<string, string>>;

const PLACEHOLDER = /\{([a-zA-Z]+)\}/g;
/** JSON outside of quotes: what is neither text nor structure (RFC 8259 section 3). */
const LITERAL = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?)$/;
const ITEM = /^(?:0|[1-9]\d*)$/;

/** The words in braces, each once, in their order. */
export function placeholders(template: string): string[] {
  return [...new Set([...template.matchAll(PLACEHOLDER)].map(([, word = '']) => word))];
}

/**
 * The template with its words put in, each escaped for its place: what a port is called never changes the structure around it.
 * `url` and `form`: percent-encoding (RFC 3986); `json`: inside of quotes the escapes of a JSON string, outside only a number,
 * true, false or null; `pointer`: ~0 and ~1 (RFC 6901); `header`: printable ASCII as it is; `text`: as it is.
 * @throws PowerFault `fatal` for a word that cannot stand there; the message does not show it
 */
export function fill(template: string, words: Words, place: Place): string {
  const isQuoted = place === 'json' ? quotedAt(template) : () => false;
  return template.replace(PLACEHOLDER, (whole, word: string, at: number) => {
    const value = Object.hasOwn(words, word) ? words[word] : undefined;
    if (value === undefined) return whole;
    const safe = escaped(value, place, isQuoted(at));
    if (safe !== undefined) return safe;
    throw new PowerFault(
      'fatal',
      `{${word}} is not what can stand in ${place === 'url' ? 'an address' : `a ${place}`}`,
    );
  });
}

function escaped(value: string, place: Place, isQuoted: boolean): string | undefined {
  switch (place) {
    case 'url':
      // As a whole segment these two would leave their folder.
      return value === '.' || value === '..' ? undefined : encode(value);
    case 'form':
      return encode(value);
    case 'json':
      if (isQuoted) return JSON.stringify(value).slice(1, -1);
      return LITERAL.test(value) ? value : undefined;
    case 'pointer':
      return value.replaceAll('~', '~0').replaceAll('/', '~1');
    case 'header':
      return /^[\x20-\x7e]*$/.test(value) ? value : undefined;
    case 'text':
      return value;
  }
}

function encode(value: string): string | undefined {
  return value.isWellFormed() ? encodeURIComponent(value) : undefined;
}

/** Tells of a position in a text of JSON whether it is between quotes. */
function quotedAt(template: string): (at: number) => boolean {
  const quotes = [...template.matchAll(/\\.|"/gs)].filter(([text]) => text === '"').map(({ index }) => index);
  return (at) => quotes.filter((quote) => quote < at).length % 2 === 1;
}

/** What a JSON Pointer (RFC 6901) points at; undefined when there is nothing. */
export function pointAt(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    if (Array.isArray(found) && !ITEM.test(name)) return undefined;
    found = (found as Readonly<Record<string, unknown>>)[name];
  }
  return found;
}
