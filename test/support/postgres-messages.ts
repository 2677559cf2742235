/** Cuts what a client sends into messages: a letter, a length, a body; only the first one has no letter. */
export function messageReader(onMessage: (type: string, body: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let letters = 0;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= letters + 4) {
      const end = letters + rest.readInt32BE(letters);
      if (rest.length < end) return;
      if (letters > 0) onMessage(rest.toString('latin1', 0, 1), rest.subarray(letters + 4, end));
      rest = rest.subarray(end);
      letters = 1;
    }
  };
}
