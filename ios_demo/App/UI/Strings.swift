import Foundation
import GestureCore
import GestureLogic

/// All words of the app; translations lie in `Resources/*.lproj/Localizable.strings`.
enum Strings {
    static let title = NSLocalizedString("title", comment: "")
    static let noGesture = NSLocalizedString("no_gesture", comment: "")
    static let pause = NSLocalizedString("pause", comment: "")
    static let resume = NSLocalizedString("resume", comment: "")
    static let switchCamera = NSLocalizedString("switch_camera", comment: "")
    static let pickVideo = NSLocalizedString("pick_video", comment: "")
    static let model = NSLocalizedString("model", comment: "")
    static let computeUnits = NSLocalizedString("compute_units", comment: "")
    static let openSettings = NSLocalizedString("open_settings", comment: "")
    static let retry = NSLocalizedString("retry", comment: "")
    static let lowPower = NSLocalizedString("low_power", comment: "")
    static let benchmarkRuns = NSLocalizedString("benchmark_runs", comment: "")
    static let cameraDidNotStart = NSLocalizedString("camera_did_not_start", comment: "")
    static let noCamera = NSLocalizedString("no_camera", comment: "")
    static let noVideo = NSLocalizedString("no_video", comment: "")
    static let needsNewerSystem = NSLocalizedString("needs_newer_system", comment: "")

    static func stage(_ stage: Stage) -> String {
        NSLocalizedString("stage_\(stage.rawValue)", comment: "")
    }

    static func thermal(_ level: ThermalLevel) -> String {
        NSLocalizedString("thermal_\(level.rawValue)", comment: "")
    }

    static func percent(_ name: String, _ percent: Int) -> String {
        String(format: NSLocalizedString("name_percent", comment: ""), name, percent)
    }

    static func times(_ times: Percentiles?) -> String {
        guard let times else { return "–" }
        return String(format: NSLocalizedString("times", comment: ""), times.p50, times.p90)
    }

    static func rates(_ camera: Double, _ network: Double, _ dropped: Int) -> String {
        String(format: NSLocalizedString("rates", comment: ""), camera, network, dropped)
    }

    static func banner(_ banner: Banner) -> String {
        switch banner {
        case .noModel: return NSLocalizedString("banner_no_model", comment: "")
        case .loading: return NSLocalizedString("banner_loading", comment: "")
        case .cameraRefused: return NSLocalizedString("banner_camera_refused", comment: "")
        case .interrupted: return NSLocalizedString("banner_interrupted", comment: "")
        case .tooHot: return NSLocalizedString("banner_too_hot", comment: "")
        case .hot: return NSLocalizedString("banner_hot", comment: "")
        case .failed(let message): return message
        case .rate(let warning):
            return String(
                format: NSLocalizedString("banner_rate", comment: ""),
                warning.framesPerSecond, warning.least, warning.greatest)
        }
    }
}
