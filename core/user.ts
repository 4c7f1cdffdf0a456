/** What Debian takes for a user's name (useradd(8)), and no more than fits a login record. */
export const USER_NAME = /^[a-z_][a-z0-9_-]{0,31}$/;
/** A password as crypt(5) has hashed it: yescrypt, bcrypt, SHA-512, SHA-256. No blank, no colon, one line. */
export const PASSWORD_HASH = /^\$(?:y|gy|7|2[aby]|6|5)\$[A-Za-z0-9./$=,+-]{8,200}$/;
