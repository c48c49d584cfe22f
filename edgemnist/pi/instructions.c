/* A plugin for qemu's user-mode emulation: how many guest instructions run between two calls of getppid().
 *
 * The guest brackets what is to be measured with getppid(), which does nothing else. Each second call writes the
 * count since the first to the file that the argument "out" names; "syscall" is the number of getppid.
 * The declarations are those of QEMU's TCG plugin interface, which Debian does not package; they are the same from
 * version 1 of the interface on, so the version that the emulator asks for is a macro.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*callback)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, void (*callback)(unsigned, void *), int flags,
                                          void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id id,
                                          void (*callback)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t,
                                                           uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_VERSION;

static uint64_t instructions, at_start;
static int64_t marking_call;
static int inside;
static FILE *out;

static void block_runs(unsigned processor, void *count) {
  (void)processor;
  instructions += (uintptr_t)count;
}

static void block_translated(plugin_id id, struct qemu_plugin_tb *block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_cb(block, block_runs, 0, (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

static void system_call(plugin_id id, unsigned processor, int64_t number, uint64_t a, uint64_t b, uint64_t c,
                        uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
  (void)id, (void)processor, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
  if (number != marking_call) return;
  if (inside) {
    fprintf(out, "%llu\n", (unsigned long long)(instructions - at_start));
    fflush(out);
  }
  inside = !inside;
  at_start = instructions;
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info, int count,
                                                               char **arguments) {
  (void)info;
  for (int index = 0; index < count; index++) {
    if (!strncmp(arguments[index], "out=", 4)) out = fopen(arguments[index] + 4, "w");
    if (!strncmp(arguments[index], "syscall=", 8)) marking_call = atoll(arguments[index] + 8);
  }
  if (!out) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
  qemu_plugin_register_vcpu_syscall_cb(id, system_call);
  return 0;
}
