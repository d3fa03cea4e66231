import { fairWeather } from './lan.ts';
import type { Rig } from './rig.ts';

/** One more thing goes wrong, or right again. */
export const disturb = (rig: Rig): void => {
  const { random, network } = rig;
  const name = random.chance(0.5) ? anyAnswering(rig) : random.anyOf(rig.names)!;
  const node = rig.node(name);
  const port = random.anyOf([...node.host.ports.values()])!;
  const segment = random.anyOf(network.segments)!;
  const note = (line: string): void => rig.tell(`-- ${line}`);
  const isRunning = node.speaker?.state() === 'running' && node.host.isOn();
  switch (random.below(18)) {
    case 0:
      if (isRunning) rig.killSpeaker(name);
      return;
    case 1:
      if (node.speaker !== undefined) rig.powerOff(name);
      return;
    case 2:
    case 3:
      return revive(rig, name);
    case 4:
      if (isRunning) rig.stop(name);
      return;
    case 5:
      if (isRunning) rig.pause(name);
      return;
    case 6:
      if (isRunning) rig.terminate(name);
      return;
    case 7: {
      note(`${segment.name} is cut in two`);
      for (const one of segment.ports) if (one.name.startsWith('n')) one.side = random.below(2);
      return rig.changed();
    }
    case 8:
      note(`${port.name} cannot send`);
      port.isMute = true;
      return rig.changed();
    case 9:
      note(`${port.name} cannot receive`);
      port.isDeaf = true;
      return rig.changed();
    case 10: {
      const other = random.anyOf(port.segment.ports)!;
      note(`${port.name} does not reach ${other.name}`);
      segment.broken.add(`${port.name}>${other.name}`);
      return rig.changed();
    }
    case 11:
      note(`${port.name} ${port.hasCarrier ? 'loses its carrier' : 'has carrier again'}`);
      port.hasCarrier = !port.hasCarrier;
      return rig.changed();
    case 12:
      Object.assign(segment.weather, {
        loss: random.pick([0, 0.02, 0.3]),
        // There and back in the time in which a diagnosis waits.
        jitter: random.pick([0, 5, 25]),
        duplication: random.pick([0, 0.1]),
        isMulticastBlocked: random.chance(0.3),
        isUnicastBlocked: random.chance(0.2),
      });
      note(`${segment.name}: ${JSON.stringify(segment.weather)}`);
      return rig.changed();
    case 13:
      rig.gossip.state = random.pick(['working', 'blocked', 'frozen']);
      note(`gossip: ${rig.gossip.state}`);
      return rig.changed();
    case 14: {
      node.hasApi = !node.hasApi;
      note(`${name} ${node.hasApi ? 'reaches' : 'has lost'} the API server`);
      return rig.publish();
    }
    case 15:
      if (node.main === undefined || !isRunning) return;
      note(`the main thread of ${name} hangs`);
      node.main.hang();
      return rig.changed();
    case 16: {
      const by = random.pick([100, 500, 60_000]);
      note(`the clock of ${name} leaps by ${by} ms`);
      node.host.leap(by);
      return rig.changed();
    }
    case 17: {
      const longest = random.pick([50, 300, 1000]);
      note(`the thread of ${name} is up to ${longest} ms late`);
      node.lateness = () => (random.chance(0.05) ? random.next() * longest : random.next() * 20);
      return;
    }
  }
};

const anyAnswering = (rig: Rig): string => {
  const key = rig.random.anyOf(rig.keys)!;
  return rig.random.anyOf(rig.owners(key)) ?? rig.random.anyOf(rig.names)!;
};

/** Lets a node run again, whatever was done to it. */
const revive = (rig: Rig, name: string): void => {
  const node = rig.node(name);
  node.main?.proceed();
  if (node.speaker?.state() === 'stopped') {
    if (node.host.isOn()) rig.proceed(name);
    else rig.unpause(name, rig.random.chance(0.5));
  } else if (!node.host.isOn()) rig.powerOn(name);
  else if (node.speaker === undefined) {
    rig.start(name);
    rig.changed();
  }
};

/** Mends everything. */
export const mend = (rig: Rig): void => {
  rig.tell('-- all is mended');
  for (const segment of rig.network.segments) {
    Object.assign(segment.weather, fairWeather);
    segment.broken.clear();
    for (const port of segment.ports) {
      port.side = 0;
      port.isMute = false;
      port.isDeaf = false;
      port.hasCarrier = true;
    }
  }
  rig.gossip.state = 'working';
  for (const node of rig.nodes.values()) {
    node.hasApi = true;
    node.lateness = () => 0.03 + rig.random.next() * 0.3;
    revive(rig, node.name);
  }
  rig.publish();
  rig.changed();
};
