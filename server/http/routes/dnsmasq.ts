import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import { isInside, parseSubnet, type Subnet } from '../../../core/subnet.ts';
import { listPis } from '../../../db/pis.ts';
import { type DnsmasqPlan, renderDnsmasq } from '../../../netboot/dhcp/dnsmasq.ts';
import { DnsmasqQuery } from '../../schema/netboot.ts';
import type { Api, ApiPorts } from '../api.ts';

const EXAMPLE = 'port=0\nbind-dynamic\n';

/** For sites whose DHCP server is, or may be, a dnsmasq. */
export function dnsmasqRoute(app: Api, ports: ApiPorts): void {
  app.get(
    '/netboot/dnsmasq.conf',
    {
      config: { scope: 'viewer', problems: { 400: ['bad-dnsmasq-plan'] } },
      schema: {
        operationId: 'getDnsmasqConfiguration',
        tags: ['netboot'],
        summary: 'Get a configuration of dnsmasq that has Pis boot from here',
        description: 'Pis that are known get lines of their own: take it again when some come or go.',
        querystring: DnsmasqQuery,
        produces: ['text/plain'],
        response: { 200: z.string().meta({ description: 'the file', example: EXAMPLE }) },
      },
    },
    async (request, reply) => {
      const { query } = request;
      const subnet = query.subnet === undefined ? ports.subnet() : parseSubnet(query.subnet);
      if (!subnet) throw bad('the subnet must be named: the address of the server is on no interface of this machine');
      const pis = (await listPis(ports.db)).flatMap(({ id, mac, address }) => {
        const place = address && isInside(address, subnet) ? address : undefined;
        return mac ? [{ id, mac, address: place }] : [];
      });
      const plan = { server: ports.nfsAddress, subnet, mode: modeOf(query, subnet), pis };
      return reply.type('text/plain; charset=utf-8').send(renderDnsmasq(plan));
    },
  );
}

function modeOf({ mode, first, last, router }: DnsmasqQuery, subnet: Subnet): DnsmasqPlan['mode'] {
  if (mode === 'proxy') return { kind: 'proxy' };
  if (!first || !last) throw bad('the mode full needs the first and the last address to give away');
  if ([first, last, ...(router ? [router] : [])].some((address) => !isInside(address, subnet))) {
    throw bad('the addresses must be in the subnet');
  }
  return { kind: 'full', first, last, router };
}

function bad(message: string): BakeryError {
  return new BakeryError('invalid', 'bad-dnsmasq-plan', message);
}
