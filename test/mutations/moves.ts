import type { Mutation } from './mutation.ts';

const DESK = 'test/unit/boot-desk.test.ts';
const RULES = 'test/unit/netboot/rules.test.ts';

/** Where a Pi is, and from where it may mount. */
export const moves: readonly Mutation[] = [
  {
    name: 'move: a Pi that moves keeps its old address until the new one has mounted',
    file: 'server/boot/move.ts',
    old: 'previousAddress: kept ?? null',
    new: 'previousAddress: kept ? null : null',
    test: DESK,
    fails: 'the old address keeps its access until',
  },
  {
    name: 'move: an old address does not keep its access for ever',
    file: 'netboot/addresses.ts',
    old: 'if (leftMs < LEAVING_MS)',
    new: 'if (leftMs < LEAVING_MS || leftMs)',
    test: DESK,
    fails: 'it keeps it for ten minutes at most',
  },
  {
    name: 'move: an old address ends when another board is there',
    file: 'netboot/addresses.ts',
    old: " || atOld === 'another'",
    new: '',
    test: DESK,
    fails: 'it keeps it for ten minutes at most',
  },
  {
    name: 'move: a Pi that never came at its new address loses its old one not',
    file: 'netboot/addresses.ts',
    old: "? 'back' : 'end'",
    new: "? 'end' : 'end'",
    test: RULES,
    fails: 'a Pi that has been at its old address all the time',
  },
  {
    name: 'move: an old address that another Pi has now is nobody else’s',
    file: 'server/boot/move.ts',
    old: 'await endLeavingOf(trx, address, id);',
    new: 'void endLeavingOf;',
    test: DESK,
    fails: 'another Pi that comes at an address that is being left',
  },
  {
    name: 'move: what is switched off loses its address',
    file: 'server/operations/pi-power.ts',
    old: "if (outcome === 'off') await patchPi(db, pi, { address: null });",
    new: '',
    test: 'test/unit/pi-power.test.ts',
    fails: 'what is switched off has no address any more',
  },
  {
    name: 'move: a Pi is followed to where its own board is, not to where a packet says',
    file: 'server/boot/follow.ts',
    old: 'const neighbour = await ports.neighbour(address);',
    new: 'const neighbour: Mac | undefined = mac;',
    test: 'test/unit/follow.test.ts',
    fails: 'a Pi is followed to an address once',
  },
  {
    name: 'move: two boards at one address do not take it from each other for ever',
    file: 'server/reconcile/addresses.ts',
    old: ' && !owned.has(place))',
    new: ' && (owned.has(place) || true))',
    test: 'test/unit/follow.test.ts',
    fails: 'the address watch has a Pi followed',
  },
  {
    name: 'move: an old entry of the neighbour table takes no Pi back',
    file: 'server/reconcile/addresses.ts',
    old: ' || place === previousAddress)',
    new: ')',
    test: 'test/unit/follow.test.ts',
    fails: 'the address watch has a Pi followed',
  },
  {
    name: 'move: nothing takes a Pi away from where it has mounted',
    file: 'server/reconcile/addresses.ts',
    old: ' || connected.has(address))',
    new: ')',
    test: 'test/unit/follow.test.ts',
    fails: 'the address watch has a Pi followed',
  },
  {
    name: 'move: nobody has us send to an address that is not on a wire of ours',
    file: 'server/boot/follow.ts',
    old: ' || !ports.isNear(address)',
    new: '',
    test: 'test/unit/follow.test.ts',
    fails: 'it is looked for no longer than 120 times',
  },
  {
    name: 'move: a Pi that was just switched off is not followed',
    file: 'server/reconcile/addresses.ts',
    old: 'isExpected || (!isOff && ',
    new: 'isExpected || ((!isOff || isOff) && ',
    test: 'test/unit/follow.test.ts',
    fails: 'the address watch has a Pi followed',
  },
];
