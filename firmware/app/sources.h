/* What the file that includes this was compiled for: a digest of all that the build wrote for the
 * image, in a section that takes no memory. The build reads it back from the linked image. */
#ifndef SOURCES_H
#define SOURCES_H

static const char sources_sha256[] __attribute__((section(".sources"), used)) =
    FIRMWARE_SOURCES_SHA256;

#endif
