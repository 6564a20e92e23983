// node crowd.mjs KIND PORT CONNECTIONS: opens so many connections, says so to its parent, and asks over each
// without end: `send` and reads the answers; `send-deaf` and `pull-deaf` read none.
import { open, pull, send } from './frames.mjs';

const [kind, port, connections] = process.argv.slice(2);
const queues = 16;

/** Writes the same bytes again and again, as fast as they are taken. */
function flood(socket, bytes) {
  const go = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', go);
  go();
}

const sockets = [];
for (let n = 0; n < Number(connections); n += 1) sockets.push(await open(Number(port)));
for (const [n, socket] of sockets.entries()) {
  socket.removeAllListeners('error');
  socket.on('error', () => socket.destroy());
  if (kind === 'send') socket.resume();
  else socket.pause();
  flood(socket, kind === 'pull-deaf' ? pull(n % queues) : send(n % queues));
}
process.on('disconnect', () => process.exit());
process.send('open');
