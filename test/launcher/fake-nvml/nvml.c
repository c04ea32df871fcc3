// A stand-in for libnvidia-ml.so.1: two GPUs joined by NVLink, the second cut into two MIG instances. NVML_FAILS makes its start fail, and
// with NVML_PCIE they reach each other over PCIe alone.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char* uuid;
  int index;
} Device;

static Device cards[] = {{"GPU-aaaa", 0}, {"GPU-bbbb", 1}};
static Device instances[] = {{"MIG-1", 1}, {"MIG-2", 1}};

int nvmlInit_v2(void) {
  const char* code = getenv("NVML_FAILS");
  return code ? atoi(code) : 0;
}
int nvmlShutdown(void) { return 0; }
const char* nvmlErrorString(int code) { return code == 9 ? "Driver Not Loaded" : "Something Else"; }
int nvmlSystemGetDriverVersion(char* text, unsigned size) {
  snprintf(text, size, "570.86.15");
  return 0;
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device** device) {
  *device = &cards[index];
  return 0;
}
int nvmlDeviceGetName(Device* device, char* text, unsigned size) {
  snprintf(text, size, "Fake %d", device->index);
  return 0;
}
int nvmlDeviceGetUUID(Device* device, char* text, unsigned size) {
  snprintf(text, size, "%s", device->uuid);
  return 0;
}
int nvmlDeviceGetMemoryInfo(Device* device, uint64_t* memory) {
  memory[0] = (uint64_t)(device->index + 1) << 36;  // more than 32 bits hold
  return 0;
}
int nvmlDeviceGetPciInfo_v3(Device* device, char* info) {
  snprintf(info + 36, 32, "00000000:%s:00.0", device->index ? "CA" : "17");
  return 0;
}
int nvmlDeviceGetMigMode(Device* device, unsigned* now, unsigned* pending) {
  *now = *pending = (unsigned)device->index;
  return 0;
}
int nvmlDeviceGetMaxMigDeviceCount(Device* device, unsigned* count) {
  *count = device->index ? 7 : 0;
  return 0;
}
int nvmlDeviceGetMigDeviceHandleByIndex(Device* device, unsigned index, Device** instance) {
  if (!device->index || index % 2 || index > 2) return 6;  // not found: places are not taken in order
  *instance = &instances[index / 2];
  return 0;
}
int nvmlDeviceGetP2PStatus(Device* one, Device* other, int index, int* status) {
  const int can = index == 0 || (index == 2 && !getenv("NVML_PCIE"));
  *status = can && one->index != other->index ? 0 : 1;
  return 0;
}
