// Asks for a service a number of times: gets.mjs RUN-DIR NAME COUNT
import { get } from '../dist/services/index.js';

const [runDir, name, count] = process.argv.slice(2);
for (let i = 0; i < Number(count); i++) await get(name, { runDir });
