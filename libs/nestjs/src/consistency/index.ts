/** Consistency toolkit: what an application needs beside messages to stay consistent. */
export {};
