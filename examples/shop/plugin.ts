// A plugin: opens the shop when the web server is ready, closes it when it is not, and tells of crashes.
import { definePlugin } from 'node-finit';

export default definePlugin({
  name: 'shop',
  setup({ on, conditions, log }) {
    on('condition', 'service/web/ready', async ({ state }) => {
      if (state === 'on') await conditions.set('open-for-business');
      if (state === 'off') await conditions.clear('open-for-business');
    });
    on('service', 'web', ({ crash }) => {
      if (crash) log.warn(`web crashed: ${crash.reason}`);
    });
  },
});
