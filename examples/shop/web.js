// A service that finit starts: it listens, then says so. Whoever depends on <service/web/ready> starts only now.
import { createServer } from 'node:http';
import { notify } from 'node-finit';

const server = createServer((_request, response) => response.end('Welcome to the shop\n'));

server.listen(8080, '127.0.0.1', () => {
  const { outcome } = notify.ready();
  console.log(`listening on port 8080, readiness: ${outcome}`);
});

// finit's reload of this service: nothing to re-read here, but finit wants to hear that it is ready again.
process.on('SIGHUP', () => notify.ready());

process.on('SIGTERM', () => {
  notify.stopping();
  server.close(() => process.exit(0));
});
