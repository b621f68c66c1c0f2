import Foundation
import GestureCore
import GestureLogic

/// Sources and models of this phone.
final class PhoneParts: SessionParts {
    /// Told of each source that is made, to show it.
    var onSource: (FrameSource) -> Void = { _ in }

    func source(of input: Input, into outlet: SourceOutlet) -> FrameSource {
        let source: FrameSource
        switch input {
        case .camera(let side): source = CameraSource(side, into: outlet)
        case .video(let url): source = VideoSource(url, into: outlet)
        }
        onSource(source)
        return source
    }

    func model(of choice: ModelChoice) -> ModelSource {
        InstalledModelSource(choice)
    }
}

/// Where the models lie in the app: the folder that `sth install --ios` fills.
enum ModelFiles {
    static let folder = Bundle.main.bundleURL.appendingPathComponent("Models", isDirectory: true)

    /// Core ML keeps states from iOS 18 on.
    static var keepsStates: Bool {
        if #available(iOS 18.0, *) { return true }
        return false
    }

    static func read() -> ModelFolder {
        ModelFolder(folder, keepsStates: keepsStates)
    }
}
