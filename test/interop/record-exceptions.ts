const as5x = 'we write what 5.x brokers write';

/** Properties that only one side writes, as `VERSION NAME`; see docs/data-files.md. */
export const ownProperties: Readonly<Record<string, string>> = {
  '4.9.7 MSG_REGION': as5x,
  '4.9.7 TRACE_ON': as5x,
  '4.9.7 WAIT': `${as5x}; 4.9.7 takes the property off`,
  '4.9.7 __transactionId__': as5x,
};

/** Properties whose values name positions or times, which are those of the one broker. */
export const valuesThatDiffer: Readonly<Record<string, string>> = {
  ORIGIN_MESSAGE_ID: 'address and position of the first record',
};
