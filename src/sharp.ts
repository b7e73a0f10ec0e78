import sharp from 'sharp';

/**
 * The image library, for everybody. It keeps what its last operations made, which after one large picture is
 * hundreds of megabytes for the rest of a server's life; nothing here does the same operation twice.
 */
sharp.cache(false);

export default sharp;
