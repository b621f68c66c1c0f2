import Foundation
import GestureLogic

/// What the system tells of heat and power.
enum SystemCondition {
    static var now: DeviceCondition {
        let process = ProcessInfo.processInfo
        return DeviceCondition(thermal: ThermalLevel(process.thermalState), isLowPower: process.isLowPowerModeEnabled)
    }

    /// Posted when `now` would be another.
    fileprivate static let changes: [Notification.Name] = [
        ProcessInfo.thermalStateDidChangeNotification, .NSProcessInfoPowerStateDidChange,
    ]
}

/// Calls back on the main thread after each change of heat and power, while it lives.
final class SystemWatch {
    private let observers: [NSObjectProtocol]

    init(_ react: @escaping @MainActor @Sendable () -> Void) {
        observers = SystemCondition.changes.map { name in
            NotificationCenter.default.addObserver(forName: name, object: nil, queue: .main) { _ in
                MainActor.assumeIsolated { react() }
            }
        }
    }

    deinit {
        observers.forEach { NotificationCenter.default.removeObserver($0) }
    }
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
