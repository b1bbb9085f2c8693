/** What is left of events that wait for a slow reader: what a later event of the same thing has overtaken is forgotten. */
import type { SystemEvent } from './types.js';

/** What an event is about: of two with the same subject, the later one tells the truth. */
function subjectOf(event: SystemEvent): string {
  if (event.type === 'condition') return `condition ${event.name}`;
  if (event.type === 'service') return `service ${event.identity}`;
  return event.type;
}

/** The last event of each subject, in order; it keeps the `previous` of the first and a crash that one of them told of. */
export function fold(events: readonly SystemEvent[]): SystemEvent[] {
  const last = new Map<string, SystemEvent>();
  for (const event of events) {
    const subject = subjectOf(event);
    const before = last.get(subject);
    last.delete(subject);
    last.set(subject, before === undefined ? event : join(before, event));
  }
  return [...last.values()];
}

function join(before: SystemEvent, event: SystemEvent): SystemEvent {
  if (before.type === 'condition' && event.type === 'condition')
    return { ...event, previous: before.previous };
  if (before.type === 'runlevel' && event.type === 'runlevel') return { ...event, previous: before.previous };
  if (before.type !== 'service' || event.type !== 'service') return event;
  const crash = event.crash ?? before.crash;
  return { ...event, previous: before.previous, ...(crash && { crash }) };
}

/** How many events may wait for a reader. */
export const QUEUE_LIMIT = 4096;

/** {@link fold}; and of so many different things that this is not enough, the oldest go. */
export function foldToFit(events: readonly SystemEvent[], limit: number = QUEUE_LIMIT): SystemEvent[] {
  const folded = fold(events);
  // Half of them, so that this does not run for every event.
  return folded.length > limit / 2 ? folded.slice(-limit / 2) : folded;
}
