import Foundation

/// Which camera.
public enum CameraSide: String, Sendable {
    case front
    case back

    public var other: CameraSide { self == .front ? .back : .front }
}

/// Where frames come from.
public enum Input: Equatable, Sendable {
    case camera(CameraSide)
    /// Of the person's library, played at its own pace.
    case video(URL)
}
