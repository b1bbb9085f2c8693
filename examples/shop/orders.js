// A service that needs the web server: finit starts it when <service/web/ready> is on and stops it when that goes off.
const answer = await fetch('http://127.0.0.1:8080/');
console.log(`the web server answers ${answer.status}, taking orders`);

process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 60_000);
