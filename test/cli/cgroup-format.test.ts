// Control groups as initctl shows them.
import test from 'ava';
import type { Cgroup } from '#src/cgroups/index.js';
import { cgroupColumns, cgroupLines, psColumns, topColumns } from '#src/cli/cgroup-format.js';

const group = (path: string, rest: Partial<Cgroup> = {}): Cgroup => ({
  name: path === '/' ? '/' : path.slice(path.lastIndexOf('/') + 1),
  path,
  memory: { current: 12_345_678, resident: 345_678, file: 222 },
  limits: {
    memoryMin: 0,
    memoryMax: 'max',
    cpuWeight: 100,
    cpuMax: { quota: 'max', period: 100_000 },
    cpus: '0-1',
  },
  processes: [],
  services: [],
  children: [],
  ...rest,
});

const root = group('/', {
  children: [
    group('/init', { processes: [{ pid: 1, name: 'finit', command: '/sbin/init' }] }),
    group('/system', {
      children: [
        group('/system/web', {
          processes: [
            { pid: 70, name: 'web', command: '/bin/web -p 80' },
            { pid: 71, name: 'kthread', command: '' },
          ],
        }),
      ],
    }),
  ],
});
const screen = { terminal: false, columns: 80, rows: 24 };

test('ps is the tree, without threads of the kernel', (t) => {
  t.deepEqual(cgroupLines(root, psColumns, screen, '/sys/fs/cgroup'), [
    '/sys/fs/cgroup',
    '├─ init/',
    '│  └─ 1 /sbin/init',
    '└─ system/',
    '   └─ web/',
    '      └─ 70 /bin/web -p 80',
  ]);
});

test('cgroup has the limits, top the use, in columns that stay', (t) => {
  const limits = cgroupLines(root, cgroupColumns, screen);
  t.is(limits[1], ' 11.7M [0        max]    0-1 [100   max 10] ├─ init/');
  t.is(limits[2], ' --.-- [            ]        [            ] │  └─ 1 /sbin/init');
  const use = cgroupLines(root, topColumns([{ path: '/system/web', percent: 12.34 }]), screen);
  t.regex(use[4] ?? '', /^ {2}11\.7M {2}337\.5k {4}0\.2k +\d\.\d {2}12\.3 {5}└─ web\/$/);
});

test('on a terminal lines are as long as it is wide', (t) => {
  const narrow = cgroupLines(root, cgroupColumns, { ...screen, terminal: true, columns: 50 });
  t.true(narrow.every((line) => line.length <= 50));
});
