/** Why a notification did not arrive, in words. */
import { constants } from 'node:os';
import { errnoName } from '../errno.js';
import { FinitError, type FinitErrorCode } from '../errors.js';
import type { SupervisorKind } from './types.js';

export function notSent(errno: number, kind: SupervisorKind, address: string): FinitError {
  const [code, why] = reason(errno, kind);
  return new FinitError(code, `The notification did not reach ${address}: ${why}`, {
    errno: errnoName(errno),
    syscall: 'send',
    path: address,
  });
}

function reason(errno: number, kind: SupervisorKind): [FinitErrorCode, string] {
  const { errno: known } = constants;
  switch (errno) {
    case known.ECONNREFUSED:
    case known.ENOENT:
    case known.EPIPE:
    case known.ECONNRESET:
      return [
        'FINIT_NOTIFY_FAILED',
        kind === 'finit'
          ? 'nobody is there. finit can be reached only while it supervises this service, and from its network namespace.'
          : 'nobody is there.',
      ];
    case known.EAGAIN:
    case known.ENOBUFS:
      return ['FINIT_NOTIFY_FAILED', 'the supervisor has not read the earlier ones, its queue is full.'];
    case known.EMSGSIZE:
      return ['FINIT_NOTIFY_FAILED', 'it is longer than the 4096 bytes that a supervisor reads.'];
    case known.ENAMETOOLONG:
      return ['FINIT_NOTIFY_FAILED', 'the name is too long for a socket.'];
    case known.EBADF:
      return ['FINIT_NOTIFY_FAILED', 'one of the descriptors to send is not open.'];
    case known.EACCES:
    case known.EPERM:
      return ['FINIT_ACCESS_DENIED', 'this process may not write to it.'];
    default:
      return ['FINIT_NOTIFY_FAILED', errnoName(errno)];
  }
}
