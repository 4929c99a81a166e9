/** How an API token looks, wherever it turns up: `sg_`, 43 characters for 256 random bits, 6 for their checksum. */
export const TOKEN_SHAPE = /sg_[0-9A-Za-z]{49}/

/** How a JWT looks, wherever it turns up. The signature may be empty. */
export const JWT_SHAPE = /eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/
