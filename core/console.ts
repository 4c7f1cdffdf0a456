/** Escape sequences of terminals (ECMA-48): CSI up to its final byte, strings up to their end, and the short ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;
/** What is left of control characters, but tabs and ends of lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * What a serial console printed, as plain text: whoever shows it on a terminal must not have it do what a Pi says. Bytes that are no
 * UTF-8, as noise on a line is, become U+FFFD.
 */
export function plainConsole(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8').replace(SEQUENCES, '').replaceAll('\r\n', '\n').replace(CONTROLS, '');
}
