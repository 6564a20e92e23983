/** A Nest testing module on an embedded broker. */
export {};
