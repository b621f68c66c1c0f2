import Foundation
import GestureLogic

/// What the system tells of heat and power.
enum SystemCondition {
    static var now: DeviceCondition {
        let process = ProcessInfo.processInfo
        return DeviceCondition(thermal: ThermalLevel(process.thermalState), isLowPower: process.isLowPowerModeEnabled)
    }

    /// Posted when `now` would be another.
    static let changes: [Notification.Name] = [
        ProcessInfo.thermalStateDidChangeNotification, .NSProcessInfoPowerStateDidChange,
    ]
}

extension ThermalLevel {
    init(_ state: ProcessInfo.ThermalState) {
        switch state {
        case .nominal: self = .nominal
        case .fair: self = .fair
        case .serious: self = .serious
        case .critical: self = .critical
        @unknown default: self = .serious
        }
    }
}
