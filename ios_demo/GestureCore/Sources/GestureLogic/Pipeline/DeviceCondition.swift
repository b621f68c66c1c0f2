/// How hot the phone is, as the system tells.
public enum ThermalLevel: String, CaseIterable, Sendable {
    case nominal
    case fair
    case serious
    case critical

    /// The word of the benchmark's file, which is Android's.
    public var reported: String {
        switch self {
        case .nominal: return "none"
        case .fair: return "light"
        case .serious: return "severe"
        case .critical: return "critical"
        }
    }
}

/// What the system asks the app to respect.
public struct DeviceCondition: Equatable, Sendable {
    /// Enough for the preview and for a network that takes fewer.
    private static let fewFrames = 15.0

    public var thermal: ThermalLevel
    public var isLowPower: Bool

    public init(thermal: ThermalLevel = .nominal, isLowPower: Bool = false) {
        self.thermal = thermal
        self.isLowPower = isLowPower
    }

    /// The phone must cool down before anything goes on.
    public var mustRest: Bool { thermal == .critical }

    /// A hot phone, or one in Low Power Mode, takes fewer pictures a second; nil for the usual rate.
    public var frameLimit: Double? { thermal == .serious || isLowPower ? Self.fewFrames : nil }
}
