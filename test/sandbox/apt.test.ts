import test from 'ava';
import {
  acquireSettings,
  aptComplaints,
  aptSetting,
  findMirror,
  parsePrintUris,
  signedBy,
} from '#src/sandbox/apt.js';

const DUMP = `APT::Architecture "arm64";
APT::Update::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::mirror.example::CaInfo "/etc/ssl/ca%20file.pem";
Acquire::Languages:: "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::AllowInsecureRepositories "1";
DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";
Dir::Etc "etc/apt";
`;

test("of the host's apt configuration, how to get files is taken, and no hook", (t) => {
  t.deepEqual(acquireSettings(DUMP), [
    'Acquire::http::Proxy "http://proxy.example:3128";',
    'Acquire::https::mirror.example::CaInfo "/etc/ssl/ca%20file.pem";',
  ]);
});

test('one setting is found by its whole name', (t) => {
  t.is(aptSetting(DUMP, 'APT::Architecture'), 'arm64');
  t.is(aptSetting(DUMP, 'Acquire::http'), '');
  t.is(aptSetting(DUMP, 'APT::Arch'), undefined);
});

test("apt's list of files is read with names, addresses and sizes", (t) => {
  t.deepEqual(
    parsePrintUris(
      "'http://mirror.example/debian/pool/f/finit_4.14-1_amd64.deb' finit_4.14-1_amd64.deb 1045024 SHA256:ab\nnoise\n",
    ),
    [
      {
        uri: 'http://mirror.example/debian/pool/f/finit_4.14-1_amd64.deb',
        file: 'finit_4.14-1_amd64.deb',
        size: 1045024,
      },
    ],
  );
});

test("Debian's archive is found among the lists that the host has", (t) => {
  const targets = [
    'http://tools.example/apt/|Tools|main|Tools',
    'http://mirror.example/debian-security/|Debian|main|Debian-Security',
    'http://mirror.example/some/name/|Debian|main|Debian',
  ].join('\n');
  t.is(findMirror(targets, ''), 'http://mirror.example/some/name');
});

test("Debian's archive is found on a host that has no lists yet", (t) => {
  const uris = ['debian-security/dists/trixie-security', 'node/dists/any', 'debian/dists/trixie']
    .map((path) => `'https://mirror.example/${path}/InRelease' name 0 `)
    .join('\n');
  t.is(findMirror('', uris), 'https://mirror.example/debian');
  t.is(findMirror('', ''), undefined);
});

test('the keyring is that of the stanza with the mirror', (t) => {
  const sources = `Types: deb
URIs: https://other.example/debian
Signed-By: /keys/other.gpg

Types: deb
URIs: https://mirror.example/debian/
Suites: trixie
Signed-By: /keys/debian.gpg
`;
  t.is(signedBy(sources, 'https://mirror.example/debian'), '/keys/debian.gpg');
  t.is(signedBy(sources, 'https://third.example/debian'), undefined);
});

test("of apt's words those that tell the error are passed on", (t) => {
  t.is(
    aptComplaints('Reading package lists...\nW: careful\nE: Unable to locate package x\n'),
    'E: Unable to locate package x',
  );
});
