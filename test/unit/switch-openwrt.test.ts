import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PoeInfo, RpcAnswer, RpcSession, readPower, readSurvey } from '../../server/power/switches/openwrt-poe.ts';
import { sample } from '../lab/switches/sample.ts';

function resultOf(heading: string): readonly unknown[] {
  const answer = RpcAnswer.parse(sample('openwrt', heading));
  return 'result' in answer ? answer.result : assert.fail('an error');
}
const info = (heading: string) => PoeInfo.parse(resultOf(heading)[1]);

describe('what realtek-poe tells', () => {
  test('a published switch is read', () => {
    const survey = readSurvey(info('info'));
    assert.equal(survey.description, 'OpenWrt realtek-poe ST Micro ST32F100 Microcontroller v17.1');
    assert.deepEqual(survey.budget, { limitMilliwatts: 70_000, usedMilliwatts: 6200 });
    assert.deepEqual(survey.ports, [
      { port: 'lan1', power: 'on', delivers: true, milliwatts: 3100 },
      { port: 'lan2', power: 'on', delivers: true, milliwatts: 3100 },
      { port: 'lan3', power: 'on', delivers: false, milliwatts: 0 },
      { port: 'lan4', power: 'on', delivers: false, milliwatts: 0 },
    ]);
  });

  test('a port of which it knows nothing is unknown, and never off', () => {
    assert.deepEqual(
      [...readPower(info('unknown'))],
      [
        ['lan1', 'unknown'],
        ['lan2', 'on'],
      ],
    );
    assert.deepEqual(readSurvey(info('unknown')).ports[0], { port: 'lan1', power: 'unknown' });
    const ports = { lan1: {}, lan2: { status: 'Sleeping' }, lan3: { status: 'Disabled' }, lan4: { status: 'Fault' } };
    assert.deepEqual([...readPower({ ports }).values()], ['unknown', 'unknown', 'off', 'on']);
  });

  test('published answers of ubus are told apart', () => {
    assert.equal(RpcSession.parse(resultOf('logged in')[1]).ubus_rpc_session, 'c1ed6c7b025d0caca723a816fa61b668');
    assert.deepEqual([resultOf('denied'), resultOf('managed')], [[6], [12]]);
    const errors = ['expired', 'no such object'].map((heading) => RpcAnswer.parse(sample('openwrt', heading)));
    assert.deepEqual(
      errors.map((answer) => ('error' in answer ? answer.error.code : 0)),
      [-32002, -32000],
    );
    assert.ok(!RpcSession.safeParse({ ubus_rpc_session: 'nope' }).success);
  });
});
