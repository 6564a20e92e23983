// Whether ports can be had, asked before anything is started.
import { createServer } from 'node:net';

/**
 * A sentence for each port that cannot be used, with the way to another one.
 *
 * @param {{ variable: string, what: string, port: number }[]} wanted
 */
export async function portProblems(wanted) {
  const problems = [];
  for (const { variable, what, port } of wanted) {
    const example = `${variable}=${port > 0 && port < 50_000 ? port + 10_000 : 20_000} npm start`;
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      problems.push(`${variable} must be a port from 1 to 65535, for example: ${example}`);
      continue;
    }
    const fault = await tryPort(port);
    if (fault === 'EADDRINUSE') {
      problems.push(
        `Port ${port} of the ${what} is in use. Stop what uses it, or choose another: ${example}`,
      );
    } else if (fault !== undefined) {
      problems.push(`Port ${port} of the ${what} cannot be used (${fault}): ${example}`);
    }
  }
  return problems;
}

function tryPort(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(error.code));
    server.listen(port, () => server.close(() => resolve(undefined)));
  });
}
