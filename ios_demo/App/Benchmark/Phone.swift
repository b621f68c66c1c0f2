import Foundation
import GestureLogic
import UIKit

/// This phone to a benchmark.
final class Phone: BenchmarkPhone {
    var thermal: ThermalLevel { SystemCondition.now.thermal }

    /// The memory that the system counts against the app.
    var memoryBytes: UInt64? {
        var info = task_vm_info_data_t()
        var count = mach_msg_type_number_t(MemoryLayout<task_vm_info_data_t>.size / MemoryLayout<integer_t>.size)
        let result = withUnsafeMutablePointer(to: &info) { pointer in
            pointer.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
                task_info(mach_task_self_, task_flavor_t(TASK_VM_INFO), $0, &count)
            }
        }
        return result == KERN_SUCCESS ? info.phys_footprint : nil
    }

    func sleep(milliseconds: Int) {
        Thread.sleep(forTimeInterval: Double(milliseconds) / 1000)
    }

    @MainActor
    static func describe() -> PhoneDescription {
        let device = UIDevice.current
        device.isBatteryMonitoringEnabled = true
        let known = device.batteryState != .unknown
        return PhoneDescription(
            model: model, system: device.systemVersion, cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryBytes: ProcessInfo.processInfo.physicalMemory, isSimulator: isSimulator,
            appVersion: Bundle.main.object(forInfoDictionaryKey: "CFBundleShortVersionString") as? String ?? "",
            batteryPercent: known ? Int((100 * device.batteryLevel).rounded()) : nil,
            isCharging: known ? device.batteryState != .unplugged : nil)
    }

    /// Apple's own name, such as iPhone15,2.
    private static var model: String {
        var about = utsname()
        uname(&about)
        return withUnsafeBytes(of: &about.machine) { bytes in
            String(bytes: bytes.prefix { $0 != 0 }, encoding: .utf8) ?? "unknown"
        }
    }

    private static var isSimulator: Bool {
        #if targetEnvironment(simulator)
            return true
        #else
            return false
        #endif
    }
}
