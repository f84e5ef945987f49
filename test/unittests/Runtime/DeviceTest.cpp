//===- DeviceTest.cpp - The GPUs of this machine --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Device.h"
#include "../TestFiles.h"
#include "../TestPlan.h"
#include "flowhn/Runtime/Session.h"

using namespace flowhn;
using namespace flowhn::test;

namespace {

TEST(DeviceTest, KnowsWhatRunsWhat) {
  auto runs = [](int major, int minor, const char *chip) {
    DeviceInfo device;
    device.computeMajor = major;
    device.computeMinor = minor;
    return canRun(device, chip);
  };
  EXPECT_TRUE(runs(9, 0, "sm_90a"));
  EXPECT_FALSE(runs(9, 1, "sm_90a"));
  EXPECT_FALSE(runs(10, 0, "sm_90a"));
  EXPECT_FALSE(runs(8, 9, "sm_90a"));
  EXPECT_TRUE(runs(9, 0, "sm_90"));
  EXPECT_TRUE(runs(8, 9, "sm_80"));
  EXPECT_FALSE(runs(8, 0, "sm_89"));
  EXPECT_TRUE(runs(9, 0, "sm_80"));
  EXPECT_TRUE(runs(12, 0, "sm_90"));
  EXPECT_FALSE(runs(7, 5, "sm_80"));
  EXPECT_TRUE(runs(12, 0, "sm_120a"));
  for (const char *chip : {"", "sm_", "sm_a", "sm_90x", "90a", "sm_-1", "sm_99999999999"})
    EXPECT_FALSE(runs(9, 0, chip)) << chip;
}

TEST(DeviceTest, KnowsWhatTakesMachineCode) {
  DeviceInfo device;
  device.computeMajor = 8;
  device.computeMinor = 6;
  EXPECT_TRUE(canRunMachineCode(device, "sm_80"));
  EXPECT_FALSE(canRunMachineCode(device, "sm_89"));
  EXPECT_FALSE(canRunMachineCode(device, "sm_75"));
  EXPECT_FALSE(canRunMachineCode(device, "sm_90a"));
}

/// On a machine with a GPU as on one without.
TEST(DeviceTest, ListsDevicesOrSaysWhyNot) {
  Expected<std::vector<DeviceInfo>> devices = listDevices();
  if (devices.ok()) {
    EXPECT_FALSE(devices->empty());
    return;
  }
  EXPECT_TRUE(devices.status().code() == StatusCode::NotFound ||
              devices.status().code() == StatusCode::Unsupported);
  EXPECT_EQ(int(measureDevice(0).status().code()), int(devices.status().code()));
}

TEST(DeviceTest, NoDeviceRunsAnotherChip) {
  ArtifactContents contents = testContents(gpuTestPlan(), {});
  contents.sections[0].name = chipPlanSection("sm_10a");
  contents.manifest.target = {
      .kind = "nvptx", .chips = {"sm_10a"}, .triple = "nvptx64-nvidia-cuda"};
  Expected<Artifact> artifact = Artifact::create(std::move(contents));
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  Status status = Session::create(std::make_shared<const Artifact>(std::move(*artifact)),
                                  randomParameters({}, 1))
                      .status();
  StatusCode expected =
      listDevices().ok() ? StatusCode::Incompatible : listDevices().status().code();
  expectError(status, expected, "artifact in memory: ");
}

} // namespace
