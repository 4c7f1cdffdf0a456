import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { openBrowser } from '../lab/browser.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;
  let browser: Browser;

  before(async () => {
    rack = await makeRack(1);
    bakery = await rack.start();
    assert.equal((await call(bakery, 'POST', '/bakeforms/tiny', rack.image)).status, 201);
    await register(bakery, rack.serials[0] ?? '');
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await rack?.close(bakery);
  });

  test('an operator opens Swagger UI, is refused, authorizes, and bakes a Pi by clicking', async () => {
    const page = await browser.newPage({ viewport: { width: 1300, height: 1200 } });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    // A refused call is a line in the console too; what the page may not load is a real complaint.
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 401/.test(message.text())) complaints.push(message.text());
    });
    await page.goto(new URL('/docs', bakery.base).href);
    const bake = page.locator('.opblock', { has: page.getByText('/api/v1/fridge', { exact: true }) }).filter({
      has: page.locator('.opblock-summary-method', { hasText: 'POST' }),
    });
    await bake.locator('.opblock-summary-control').click();
    await bake.getByRole('button', { name: 'Try it out' }).click();
    await bake.locator('textarea.body-param__text').fill(JSON.stringify({ bakeformName: 'tiny' }));

    const answer = bake.locator('.live-responses-table tbody .response-col_status').first();
    await bake.getByRole('button', { name: 'Execute' }).click();
    await answer.filter({ hasText: '401' }).waitFor();

    await page.getByRole('button', { name: 'Authorize' }).first().click();
    const dialog = page.locator('.dialog-ux');
    const bearer = dialog.locator('.auth-container', { hasText: 'bearer' }).first();
    await bearer.locator('input').fill(bakery.token);
    await bearer.getByRole('button', { name: 'Apply credentials' }).click();
    await dialog.getByRole('button', { name: 'Close', exact: true }).first().click();

    await bake.getByRole('button', { name: 'Execute' }).click();
    await answer.filter({ hasText: '202' }).waitFor();
    await bake.locator('.live-responses-table').scrollIntoViewIfNeeded();
    const file = process.env.BAKERY_TEST_SCREENSHOT;
    if (file) await page.screenshot({ path: file });

    const oven = (await call(bakery, 'GET', '/oven')).body as Record<string, { sourceBakeform: { name: string } }>;
    assert.deepEqual(Object.keys(oven), rack.serials);
    assert.equal(oven[rack.serials[0] ?? '']?.sourceBakeform.name, 'tiny');
    assert.deepEqual(complaints, []);
  });
});
