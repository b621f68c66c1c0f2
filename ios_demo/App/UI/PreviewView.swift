import AVFoundation
import GestureCore
import SwiftUI

/// What the camera or the video shows.
struct PreviewView: View {
    let source: FrameSource?
    let isMirrored: Bool
    let isRunning: Bool

    var body: some View {
        if let camera = source as? CameraSource {
            CameraPreview(camera: camera, isMirrored: isMirrored, isRunning: isRunning)
                .modifier(Spoken(label: Strings.cameraPicture))
        } else if let video = source as? VideoSource {
            VideoPreview(video: video).modifier(Spoken(label: Strings.videoPicture))
        } else {
            Color.black.accessibilityHidden(true)
        }
    }
}

/// One picture to VoiceOver, whatever lies in it.
private struct Spoken: ViewModifier {
    let label: String

    func body(content: Content) -> some View {
        content.accessibilityElement().accessibilityLabel(label).accessibilityAddTraits(.isImage)
    }
}

/// The camera's picture. The front camera's is mirrored here, and here only: the network sees left as left.
private struct CameraPreview: UIViewRepresentable {
    let camera: CameraSource
    let isMirrored: Bool
    /// The layer has a connection to turn and to mirror from then on, which is why it is asked for.
    let isRunning: Bool

    func makeCoordinator() -> Turning { Turning() }

    func makeUIView(context: Context) -> CameraView { CameraView() }

    func updateUIView(_ view: CameraView, context: Context) {
        guard let layer = view.layer as? AVCaptureVideoPreviewLayer else { return }
        if layer.session !== camera.session { layer.session = camera.session }
        layer.videoGravity = .resizeAspect
        context.coordinator.follow(camera, layer)
        if let connection = layer.connection, connection.isVideoMirroringSupported {
            connection.automaticallyAdjustsVideoMirroring = false
            connection.isVideoMirrored = isMirrored
        }
    }
}

final class CameraView: UIView {
    override static var layerClass: AnyClass { AVCaptureVideoPreviewLayer.self }
}

/// Keeps the preview upright, however the phone is held.
final class Turning {
    private weak var camera: CameraSource?
    private var coordinator: AVCaptureDevice.RotationCoordinator?
    private var observation: NSKeyValueObservation?

    func follow(_ camera: CameraSource, _ layer: AVCaptureVideoPreviewLayer) {
        if camera !== self.camera, let device = camera.device {
            self.camera = camera
            let made = AVCaptureDevice.RotationCoordinator(device: device, previewLayer: layer)
            coordinator = made
            observation = made.observe(\.videoRotationAngleForHorizonLevelPreview) { [weak layer] coordinator, _ in
                if let layer { Self.turn(layer, by: coordinator) }
            }
        }
        if let coordinator { Self.turn(layer, by: coordinator) }
    }

    private static func turn(
        _ layer: AVCaptureVideoPreviewLayer, by coordinator: AVCaptureDevice.RotationCoordinator
    ) {
        let angle = coordinator.videoRotationAngleForHorizonLevelPreview
        guard let connection = layer.connection, connection.isVideoRotationAngleSupported(angle) else { return }
        if connection.videoRotationAngle != angle { connection.videoRotationAngle = angle }
    }
}

/// A video's picture.
private struct VideoPreview: UIViewRepresentable {
    let video: VideoSource

    func makeUIView(context: Context) -> VideoView { VideoView() }

    func updateUIView(_ view: VideoView, context: Context) {
        view.show(video)
    }
}

/// Lays the stored pictures out as they are meant.
final class VideoView: UIView {
    private var video: VideoSource?

    func show(_ video: VideoSource) {
        guard video !== self.video else { return }
        self.video?.layer.removeFromSuperlayer()
        self.video = video
        video.layer.videoGravity = .resizeAspect
        layer.addSublayer(video.layer)
        setNeedsLayout()
    }

    override func layoutSubviews() {
        super.layoutSubviews()
        guard let video else { return }
        let (turn, side) = (video.orientation, bounds.size)
        let isQuarter = turn.rotation.isQuarter
        video.layer.setAffineTransform(.identity)
        video.layer.bounds = CGRect(
            x: 0, y: 0, width: isQuarter ? side.height : side.width, height: isQuarter ? side.width : side.height)
        video.layer.position = CGPoint(x: bounds.midX, y: bounds.midY)
        let rotated = CGAffineTransform(rotationAngle: Double(turn.rotation.rawValue) * .pi / 180)
        video.layer.setAffineTransform(
            turn.mirrored ? rotated.concatenating(CGAffineTransform(scaleX: -1, y: 1)) : rotated)
    }
}
