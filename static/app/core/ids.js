/** UUIDs as the protocol wants them: version 4, lower case. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Whether `text` can be the id of a message or conversation (UUID version 4 or 7).
 * @param {string} text
 */
export function isId(text) {
  return UUID.test(text);
}

/**
 * A version 4 UUID from 16 random bytes. Browsers offer `crypto.randomUUID` only in secure
 * contexts; a server in a local network without TLS is not one.
 * @param {Uint8Array} bytes 16 random bytes
 */
export function uuidFrom(bytes) {
  const octets = Array.from(bytes.slice(0, 16));
  octets[6] = (octets[6] & 0x0f) | 0x40;
  octets[8] = (octets[8] & 0x3f) | 0x80;
  const hex = octets.map((octet) => octet.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * CRC-32 (IEEE) of a text's UTF-8 bytes, as an unsigned number.
 * @param {string} text
 */
export function crc32(text) {
  let value = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/**
 * Which of the eight person colours this user has: 0 to 7, the same on every device.
 * @param {string} userId
 */
export function hueOf(userId) {
  return crc32(userId) % 8;
}
