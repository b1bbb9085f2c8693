// A script: it waits for a condition, then goes on.
import { conditions, services } from 'node-finit';

await conditions.wait('open-for-business', { timeout: 30_000 });
const web = await services.get('web');
console.log(`The shop is open; its web server has pid ${web.pid}.`);
