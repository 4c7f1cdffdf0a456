import type { ImportRecord } from '../../db/legacy.ts';

const ORDER = ['bakeform', 'pi', 'disk', 'row', 'folder'];
const rank = ({ item }: ImportRecord) => ORDER.indexOf(item.split(':')[0] ?? '');

/** What an import did, for an operator to read: what was not taken over first, then what was. */
export function importReport(records: readonly ImportRecord[]): string {
  const line = ({ item, text }: ImportRecord) => `  ${item.replace(':', ' ')}: ${text}`;
  const section = (title: string, outcome: ImportRecord['outcome']) => {
    const found = records.filter((record) => record.outcome === outcome).toSorted((a, b) => rank(a) - rank(b));
    return found.length === 0 ? [] : [`${title} (${found.length})`, ...found.map(line), ''];
  };
  return [
    'Taken over from the original Bakery. docs/legacy.md says what to do about each line.',
    '',
    ...section('NOT taken over; tried again at every start', 'problem'),
    ...section('left alone', 'note'),
    ...section('taken over', 'done'),
  ].join('\n');
}
