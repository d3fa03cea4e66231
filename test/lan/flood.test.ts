import process from 'node:process';
import { setInterval as everyInterval } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createNamespace, plugIn } from '../support/netns.ts';
import { flood } from './flood.ts';
import { sharedAddress, sharedIpv6, ThreeNodes } from './three-nodes.ts';

describe.runIf(process.getuid?.() === 0)('a flood of requests from changing sources', () => {
  test.each([sharedAddress, sharedIpv6])('costs no takeover and no memory, for %s', async (target) => {
    await using three = await ThreeNodes.make();
    const { lan, asking } = three;
    const owner = await three.settle();
    await using flooder = await createNamespace('flooder');
    await plugIn(lan.switch, 'flooder', flooder, 'eth0');
    const speaker = lan.speaker(owner);
    const before = speaker.residentMemory();
    let most = before;
    const since = Date.now();
    const stop = new AbortController();
    const watching = (async () => {
      for await (const _ of everyInterval(100, undefined, { signal: stop.signal }))
        most = Math.max(most, speaker.residentMemory());
    })().catch(() => {});
    const rate = await flood(flooder, { target, rate: 200_000, duration: 5000 });
    const until = Date.now();
    stop.abort();
    await watching;
    const lost = three
      .speakers()
      .flatMap((each) => each.ownership())
      .filter(({ type }) => type === 'beaconsLost').length;
    const answered = asking.answers.filter(({ at }) => at >= since && at < until).length / ((until - since) / 5);
    console.log(
      `flood of ${rate.toFixed(0)} requests a second for ${target}: ${(most - before).toFixed(1)} MiB more, ${lost} times beacons lost, ` +
        `${(100 * answered).toFixed(0)} % of the client's requests answered, ` +
        `${asking.longestGap(since).toFixed(0)} ms without an answer; ${three.history().join(', ')}`,
    );
    expect(most - before).toBeLessThan(20);
    for (const each of three.speakers()) expect(each.heard().size).toBe(2);
    expect(three.speakers().flatMap((each) => each.assumptions())).toEqual(['first']);
    await expect.poll(() => asking.answers.filter(({ at }) => at > Date.now() - 500).length).toBeGreaterThan(90);
    expect(asking.answering(500)).toEqual([lan.macs[owner]]);
  });
});
