// What the app uses of UIKit, and of Mach.
@_exported import AVFoundation
@_exported import Foundation

@MainActor open class UIView {
    public init() {}
    open class var layerClass: AnyClass { CALayer.self }
    public var layer: CALayer { fatalError() }
    public var bounds: CGRect { .zero }
    public func setNeedsLayout() {}
    open func layoutSubviews() {}
}
@MainActor public final class UIApplication {
    public static let shared = UIApplication()
    public nonisolated static let openSettingsURLString = ""
    public var isIdleTimerDisabled = false
}
@MainActor public final class UIDevice {
    public enum BatteryState: Sendable { case unknown, unplugged, charging, full }
    public static let current = UIDevice()
    public var isBatteryMonitoringEnabled = false
    public var batteryState: BatteryState { .unknown }
    public var batteryLevel: Float { 0 }
    public var systemVersion: String { "" }
}

public typealias mach_msg_type_number_t = UInt32
public typealias integer_t = Int32
public typealias task_flavor_t = UInt32
public struct task_vm_info_data_t {
    public init() {}
    public var phys_footprint: UInt64 = 0
}
public let TASK_VM_INFO: Int32 = 22
public let KERN_SUCCESS: Int32 = 0
public let mach_task_self_: UInt32 = 0
public func task_info(
    _ task: UInt32, _ flavor: task_flavor_t, _ info: UnsafeMutablePointer<integer_t>?,
    _ count: UnsafeMutablePointer<mach_msg_type_number_t>?
) -> Int32 { 0 }
