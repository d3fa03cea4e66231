/** The text, cut short with an ellipsis where it has more than `octets` octets of UTF-8. */
export const clip = (text: string, octets: number): string => {
  if (Buffer.byteLength(text) <= octets) return text;
  let kept = '';
  let length = Buffer.byteLength('…');
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > octets) break;
    kept += character;
  }
  return `${kept}…`;
};
