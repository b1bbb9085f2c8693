// All rows, in the order of the table. A row has
//
//   what      "what is measured | what it is measured against"
//   run       gives both figures: [ours, its]. `at` is where it is measured: see main.mjs
//   goal      the highest ratio of the two; without, the row is for information
//   unit      of the figures: 'ns' (default), 'KiB', 'times'
//   services  on a finit with so many, or with `fake` on the fake; without, on this machine as it is
//   needs     rows of the fake with these numbers of services, which have to be measured before
import { controlRows } from './control-rows.mjs';
import { notifyRows } from './notify-rows.mjs';
import { shimRows } from './shim-rows.mjs';

export const rows = [...controlRows, ...notifyRows, ...shimRows];
