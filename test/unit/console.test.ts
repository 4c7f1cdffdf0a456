import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainConsole } from '../../core/console.ts';

const plain = (text: string) => plainConsole(Buffer.from(text, 'latin1'));

test('what a Pi prints does nothing to the terminal that it is read on', () => {
  assert.equal(plain('\x1b[0;32m  OK  \x1b[0m Started\tssh\r\n'), '  OK   Started\tssh\n');
  assert.equal(plain('a\x1b]0;title\x07b\x1b]52;c;cm0gLXJm\x1b\\c\x1bPq#0\x1b\\d'), 'abcd');
  assert.equal(plain('\x1b(B\x1b7\x1b[?25l\x1bc|'), '|');
  assert.equal(plain('un\x00fin\x08ished \x1b['), 'unfinished ');
  assert.equal(plain('\x9b31m'), '\ufffd31m', 'a control of eight bits is no UTF-8');
  assert.equal(plainConsole(Buffer.from('\u009b31m')), '31m');
});

test('text of any language stays, and noise on the line becomes what stands for it', () => {
  assert.equal(plainConsole(Buffer.from('Grüße, 树莓派\n')), 'Grüße, 树莓派\n');
  assert.equal(plain('\xff\xfeboot'), '\ufffd\ufffdboot');
});
