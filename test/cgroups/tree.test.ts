// Control groups that are directories written as the kernel documents its files (Documentation/admin-guide/cgroup-v2.rst, proc(5)), not
// a kernel's: for memory, limits and the like, which a kernel gives only where its controllers are free. With a kernel's:
// test/integration/cgroups.test.ts.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { hierarchyOf } from '#src/cgroups/hierarchy.js';
import { cpuLoads, findGroup, tree } from '#src/cgroups/index.js';
import { assignServices, type Owner } from '#src/cgroups/owners.js';
import { namespaceDepth } from '#src/cgroups/processes.js';
import { type FoundGroup, readGroup } from '#src/cgroups/tree.js';

function directory(t: ExecutionContext, files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'node-finit-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

const service = (identity: string, pid?: number, more: Partial<Owner> = {}): Owner => ({
  identity,
  pid,
  type: 'service',
  origin: `/etc/finit.d/${identity}.conf`,
  ...more,
});

const cpu = (usage: number): string =>
  `usage_usec ${usage}\nuser_usec ${usage - 10}\nsystem_usec 10\nnr_periods 0\n`;

const groups = {
  'cg/cgroup.controllers': 'cpuset cpu memory pids\n',
  'cg/cgroup.procs': '2\n',
  'cg/cpu.stat': cpu(100_000),
  'cg/cpuset.cpus.effective': '0-3\n',
  'cg/init/cgroup.procs': '1\n',
  'cg/user/cgroup.procs': '',
  'cg/system/cgroup.procs': '',
  'cg/system/cpu.weight': '9800\n',
  'cg/system/web/cgroup.procs': '10\n11\n12\n99\n0\n',
  'cg/system/web/cpu.stat': cpu(5000),
  'cg/system/web/memory.current': '7340032\n',
  'cg/system/web/memory.stat':
    'anon 1000\nfile 500\nkernel_stack 70\nslab 20\nsock 3\nfile_mapped 9\nanon_thp 8\n',
  'cg/system/web/memory.min': '0\n',
  'cg/system/web/memory.max': 'max\n',
  'cg/system/web/cpu.weight': '100\n',
  'cg/system/web/cpu.max': '50000 100000\n',
  'cg/system/web/cpuset.cpus.effective': '0-1\n',
  'cg/system/pod/cgroup.procs': '',
  'cg/system/pod/supervisor/cgroup.procs': '20\n',
  'cg/system/pod/c1/cgroup.procs': '21\n',
};
const status = (name: string, pids: number[], parent: number): string =>
  `Name:\t${name}\nUmask:\t0022\nPid:\t${pids[0]}\nPPid:\t${parent}\nNSpid:\t${pids.join('\t')}\nThreads:\t1\n`;
const processes = {
  'proc/1/status': status('finit', [1], 0),
  'proc/1/cmdline': '/sbin/finit\0',
  'proc/2/status': status('kthreadd', [2], 0),
  'proc/2/cmdline': '',
  'proc/10/status': status('node', [10], 1),
  'proc/10/cmdline': 'node\0/srv/web app.js\0\0',
  'proc/11/status': status('sh', [11], 10),
  'proc/11/cmdline': 'sh\0-c\0true\0',
  // Has left its parent.
  'proc/12/status': status('worker', [12], 1),
  'proc/12/cmdline': 'worker\0',
  'proc/20/status': status('podman', [20], 1),
  'proc/20/cmdline': 'podman\0',
  // In a namespace of its own.
  'proc/21/status': status('app', [21, 1], 1),
  'proc/21/cmdline': 'app\0',
};

test('groups, their processes, what they use, their limits, and whose they are', (t) => {
  const root = directory(t, { ...groups, ...processes });
  const found = readGroup({ path: `${root}/cg`, proc: `${root}/proc`, depth: 0 }, '/');
  const all = assignServices(found as FoundGroup, [service('web', 10), service('pod', 20), service('off')]);
  t.like(all, { name: '/', path: '/', services: [], limits: { cpus: '0-3' }, memory: undefined });
  t.deepEqual(all.processes, [{ pid: 2, name: 'kthreadd', command: '' }]);
  t.deepEqual(
    all.children.map(({ name, path, services }) => [name, path, services]),
    [
      ['init', '/init', []],
      ['system', '/system', []],
      ['user', '/user', []],
    ],
  );
  t.deepEqual(all.children[0]?.processes, [{ pid: 1, name: 'finit', command: '/sbin/finit' }]);
  t.deepEqual(all.children[1]?.limits, { cpuWeight: 9800 });

  const web = findGroup(all, 'web');
  t.like(web, {
    path: '/system/web',
    services: ['web'],
    memory: { current: 7_340_032, resident: 1023, file: 500 },
    cpu: { usage: 5000, user: 4990, system: 10 },
    limits: {
      memoryMin: 0,
      memoryMax: 'max',
      cpuWeight: 100,
      cpuMax: { quota: 50_000, period: 100_000 },
      cpus: '0-1',
    },
  });
  // 99 has ended meanwhile.
  t.deepEqual(web?.processes, [
    { pid: 10, name: 'node', command: 'node /srv/web app.js', service: 'web' },
    { pid: 11, name: 'sh', command: 'sh -c true', service: 'web' },
    { pid: 12, name: 'worker', command: 'worker', service: 'web' },
  ]);

  const pod = findGroup(all, 'pod');
  t.like(pod, { path: '/system/pod', services: ['pod'], processes: [] });
  t.deepEqual(
    pod?.children.map(({ name, processes: [process] }) => [name, process?.pid, process?.service]),
    [
      ['c1', 21, 'pod'],
      ['supervisor', 20, 'pod'],
    ],
  );
  t.is(findGroup(all, 'off'), undefined);
  t.deepEqual(JSON.parse(JSON.stringify(all)), all);
});

test("services of one .conf file share a group: what neither has started is nobody's", (t) => {
  const root = directory(t, { ...groups, ...processes });
  const found = readGroup({ path: `${root}/cg`, proc: `${root}/proc`, depth: 0 }, '/system/web');
  const origin = '/etc/finit.d/web.conf';
  const web = assignServices(found as FoundGroup, [
    service('a', 10, { origin }),
    service('b', 11, { origin }),
  ]);
  t.deepEqual(web.services, ['a', 'b']);
  t.deepEqual(
    web.processes.map(({ service }) => service),
    ['a', 'b', undefined],
  );
});

test('what a service has left behind is known by its path', (t) => {
  const root = directory(t, { ...groups, ...processes });
  const found = readGroup({ path: `${root}/cg`, proc: `${root}/proc`, depth: 0 }, '/system') as FoundGroup;
  const cgroup = { name: 'system', settings: '', leafName: 'web', delegate: false };
  for (const dead of [service('web'), service('other', undefined, { cgroup })])
    t.is(findGroup(assignServices(found, [dead]), dead.identity)?.path, '/system/web');
  const elsewhere = service('web', undefined, { cgroup: { ...cgroup, name: 'maint' } });
  t.is(findGroup(assignServices(found, [elsewhere]), 'web'), undefined);
});

test("pids are those of finit's namespace", (t) => {
  const root = directory(t, {
    'cg/cgroup.procs': '501\n502\n503\n',
    'proc/501/status': status('finit', [501, 1], 400),
    'proc/501/cmdline': 'finit\0',
    'proc/502/status': status('web', [502, 7], 501),
    'proc/502/cmdline': 'web\0',
    // Not in it.
    'proc/503/status': status('sh', [503], 400),
    'proc/503/cmdline': 'sh\0',
    'proc/400/status': status('sh', [400], 1),
  });
  const proc = `${root}/proc`;
  const depth = namespaceDepth(proc, 501);
  t.is(depth, 1);
  t.deepEqual(readGroup({ path: `${root}/cg`, proc, depth }, '/')?.processes, [
    { pid: 1, name: 'finit', command: 'finit', parent: 0 },
    { pid: 7, name: 'web', command: 'web', parent: 1 },
  ]);
  t.is(readGroup({ path: `${root}/cg`, proc, depth }, '/gone'), undefined);
});

test('the load is what two readings differ in', (t) => {
  const group = (path: string, usage: number | undefined, readAt: number, children: never[] = []) => ({
    name: path,
    path,
    limits: {},
    processes: [],
    services: [],
    children,
    ...(usage !== undefined && { cpu: { usage, user: 0, system: 0, readAt } }),
  });
  const reading = (usage: number, at: number, ...more: [string, number | undefined][]) => ({
    ...group('/', usage, at),
    children: more.map(([path, used]) => group(path, used, at)),
  });
  t.deepEqual(
    cpuLoads(
      reading(1000, 50, ['/a', 0], ['/again', 900_000], ['/none', undefined], ['/gone', 1]),
      reading(1000, 1050, ['/a', 1_500_000], ['/again', 100_000], ['/none', undefined], ['/new', 1]),
    ),
    [
      { path: '/', percent: 0 },
      { path: '/a', percent: 150 },
      { path: '/again', percent: 10 },
    ],
  );
  const same = reading(1000, 50);
  t.deepEqual(cpuLoads(same, same), []);
});

test('where there are none it is said why', async (t) => {
  const unsupported = (runDir: string, message: RegExp) =>
    t.throws(() => hierarchyOf(runDir), { code: 'FINIT_UNSUPPORTED', message });
  unsupported('/tmp/elsewhere', /cannot be found from the run directory \/tmp\/elsewhere/);
  const root = directory(t, {
    'v1/sys/fs/cgroup/cpu/tasks': '',
    'v2/sys/fs/cgroup/cgroup.controllers': 'cpu\n',
  });
  unsupported(
    `${root}/none/run/finit`,
    /no cgroup v2 hierarchy at .*\/none\/sys\/fs\/cgroup\. finit mounts one/,
  );
  unsupported(`${root}/v1/run/finit`, /v2 hierarchy at .*, but the old kind, v1/);
  unsupported(`${root}/v2/run/finit`, /is not finit's: it has no groups init, system, user/);
  for (const name of ['init', 'system', 'user']) mkdirSync(`${root}/v2/sys/fs/cgroup/${name}`);
  const runDir = `${root}/v2/run/finit`;
  t.deepEqual(hierarchyOf(runDir), { path: `${root}/v2/sys/fs/cgroup`, proc: '/proc', depth: 0 });
  for (const group of ['nope', '../..', 'a\0'])
    await t.throwsAsync(tree({ runDir, group, services: false }), { code: 'FINIT_INVALID_ARGUMENT' });
  await t.throwsAsync(tree({ runDir }), { code: 'FINIT_NOT_RUNNING' });
});
